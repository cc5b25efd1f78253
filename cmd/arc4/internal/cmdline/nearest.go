package cmdline

import "strings"

// farthest is how many letters a word may be away from what was meant: one in three, and two at
// most.
func farthest(word string) int { return min(len(word)/3, 2) }

// Nearest is the word that was probably meant by what was typed: the first of those that differ
// least, in a few letters (one left out, one too many, another one, or two in the wrong order), or
// that alone begins so. It is empty if there is none. Capitals do not count, nor do _ for - and a
// flag's dashes.
func Nearest(typed string, words []string) string {
	plain := func(s string) string { return strings.TrimLeft(strings.ToLower(strings.ReplaceAll(s, "_", "-")), "-") }
	typed = plain(typed)
	if len(typed) > 64 {
		return ""
	}
	best, least, longer := "", farthest(typed)+1, ""
	for _, word := range words {
		if d := distance(typed, plain(word)); d < least {
			best, least = word, d
		}
		if len(typed) > 2 && strings.HasPrefix(plain(word), typed) {
			if longer != "" {
				longer = " " // several
				continue
			}
			longer = word
		}
	}
	if best == "" {
		best = strings.TrimSpace(longer)
	}
	return best
}

// distance counts the changes between two words (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
