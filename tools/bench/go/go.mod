module volley/bench/go

go 1.19
