"""What every verb stands on."""
