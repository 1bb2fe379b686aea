"""What a layer does beside giving numbers: each file looks for one kind of misconduct."""
