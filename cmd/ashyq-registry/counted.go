package main

import "fmt"

// counted is a number with what it counts: 1 row, 2 rows.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
