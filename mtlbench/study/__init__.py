"""What was asked and what came out: cells, records, study files. No torch here."""
