module github.com/gyoji-dev/gyoji/bench

go 1.26
