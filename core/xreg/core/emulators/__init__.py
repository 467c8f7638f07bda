"""What several emulators share."""
