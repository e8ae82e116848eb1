module github.com/aislecache/aisle/bench

go 1.26.0
