package main

import (
	"strings"

	"github.com/arc4tun/arc4tun/internal/features"
)

// everyTagSet runs the command for each build tag that leaves something out, and for those of a
// router together.
func everyTagSet(t *tally, s step) {
	var sets []string
	for _, f := range features.All() {
		sets = append(sets, f.Tag)
	}
	for _, tags := range append(sets, strings.Join(features.RouterTags(), ",")) {
		one := s.with("TAGS", tags)
		_, args := one.words()
		t.check(labelled(s.as, strings.Join(args, " ")), one.command())
	}
}

// withRouterTags runs the command for the build tags of a router.
func withRouterTags(t *tally, s step) {
	s.with("TAGS", strings.Join(features.RouterTags(), ",")).check(t)
}
