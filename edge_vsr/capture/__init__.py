"""Where frames come from: files and streams, cameras and HDMI receivers, test patterns."""
