"""The verbs of the command line, one module each: options, and what is printed. No picture work in here."""
