module urmanac.talos/tests/peers/judge

go 1.26.5
