"""Tables, statistics and checks: a pure function of records. No torch here."""
