"""What reads and writes: files that are whole or not there, pictures, downloads."""
