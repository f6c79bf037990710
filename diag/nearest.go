package diag

import "strings"

// nearestBytes bounds the words that are compared: the time is the product of
// the lengths, and nobody misspells a word that long into a known one.
const nearestBytes = 48

// Nearest returns the candidate that word was probably meant to be, or "" when
// none is near. Case is ignored; of equally near ones the first wins.
func Nearest(word string, candidates []string) string {
	if word == "" || len(word) > nearestBytes {
		return ""
	}
	w := strings.ToLower(word)
	best, bestAt := "", allowed(len(w))+1
	for _, c := range candidates {
		if len(c) > nearestBytes || abs(len(c)-len(w)) >= bestAt {
			continue
		}
		if d := distance(w, strings.ToLower(c)); d < bestAt {
			best, bestAt = c, d
		}
	}
	return best
}

// allowed is the number of slips a word of n letters may hold. Short words are
// near everything, so they get one.
func allowed(n int) int {
	switch {
	case n <= 2:
		return 0
	case n <= 4:
		return 1
	case n <= 8:
		return 2
	}
	return 3
}

// distance counts the letters to add, drop, change or swap with a neighbour
// that turn a into b (Damerau-Levenshtein, each letter moved once at most).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
