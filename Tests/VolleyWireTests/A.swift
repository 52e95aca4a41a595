import VolleyWire
