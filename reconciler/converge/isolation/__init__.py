"""What a program may do and see."""
