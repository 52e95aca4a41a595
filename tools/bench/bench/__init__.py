"""Measures Volley against other datagram receivers on loopback; `tools/bench/run` starts it."""
