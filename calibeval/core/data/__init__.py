"""What comes in, checked at the door; afterwards one shape exists."""
