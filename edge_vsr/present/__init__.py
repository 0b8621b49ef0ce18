"""Where frames go: files, displays, previews."""
