"""dumbo: a big flappy cache that never forgets."""
