package cmdline

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/arc4tun/arc4tun/speed"
)

// Sizes is a list of block sizes in bytes, with commas or by repeating the flag. The first use
// replaces the default.
type Sizes struct {
	List  *[]int
	given bool
}

func (s *Sizes) Type() string { return "list" }

func (s *Sizes) String() string {
	if s.List == nil {
		return ""
	}
	var words []string
	for _, n := range *s.List {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}

func (s *Sizes) Set(text string) error {
	var list []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 || n > speed.MaxBytes {
			return fmt.Errorf("%q is not a size: give numbers of bytes from 1 to %d, with commas between them", word, speed.MaxBytes)
		}
		list = append(list, n)
	}
	if s.given {
		list = append(*s.List, list...)
	}
	*s.List, s.given = list, true
	return nil
}
