"""The parts of a file job: what is asked, what is refused, what is made, what is remembered."""
