"""What measures: nodes under load, clients, the machine, and the page of figures."""
