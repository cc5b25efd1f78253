//go:build !noman

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// manOrder is the order of sections in man-pages(7), with this project's own before the examples.
var manOrder = []string{"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES",
	"SECRETS FILE", "HOOKS", "TRACE", "JSON", "SECURITY", "EXAMPLES", "SEE ALSO"}

func TestManPages(t *testing.T) {
	commands := clidoc.ManCommands(newRoot())
	var names []string
	for _, cmd := range append(commands, clidoc.ManTopics(newRoot())...) {
		names = append(names, documentation.ManReference(cmd))
	}
	for _, cmd := range commands {
		name := clidoc.ManName(cmd)
		t.Run(name, func(t *testing.T) {
			page := documentation.ManPage(cmd, time.Unix(1700000000, 0).UTC())
			assert.True(t, strings.HasPrefix(page, fmt.Sprintf(".TH %s 1 2023-11-14 \"arc4 ", strings.ToUpper(name))), page[:60])
			assert.Contains(t, page, ".SH NAME\n"+strings.ReplaceAll(name, "-", `\-`)+` \- `)
			var sections []string
			for line := range strings.Lines(page) {
				if title, is := strings.CutPrefix(line, ".SH "); is {
					sections = append(sections, strings.Trim(title, "\"\n"))
				}
			}
			for _, s := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"} {
				assert.Contains(t, sections, s)
			}
			at := func(section string) int { return slices.Index(manOrder, section) }
			assert.True(t, slices.IsSortedFunc(sections, func(a, b string) int { return at(a) - at(b) }), sections)
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				assert.Contains(t, page, `\-\-`+strings.ReplaceAll(f.Name, "-", `\-`))
			})
			for _, other := range documentation.PageOf(cmd).SeeAlso {
				if strings.HasPrefix(other, "arc4") && !absentPage(other) {
					assert.Contains(t, names, other)
					assert.Contains(t, page, `\fB`+strings.NewReplacer("-", `\-`, "(", `\fR(`).Replace(other))
				}
			}
		})
	}
	built := 0
	for name := range pages {
		if cmd, _, err := newRoot().Find(strings.Fields(name)); err == nil && absentError(cmd) == nil {
			built++
		}
	}
	require.Len(t, names, built, "every command has a page, and no page is of none")
}

// absentPage reports whether a build tag has left out what a page is about.
func absentPage(reference string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(reference, "arc4-"), "(")
	cmd, _, err := newRoot().Find([]string{name})
	return err == nil && absentError(cmd) != nil
}

func TestManTopics(t *testing.T) {
	var names []string
	for _, topic := range clidoc.ManTopics(newRoot()) {
		names = append(names, documentation.ManReference(topic))
		page := documentation.ManPage(topic, time.Unix(1700000000, 0).UTC())
		assert.True(t, strings.HasPrefix(page, fmt.Sprintf(".TH %s %s 2023-11-14 ", strings.ToUpper(clidoc.ManName(topic)), documentation.ManSection(topic))), page[:60])
		var sections []string
		for line := range strings.Lines(page) {
			if title, is := strings.CutPrefix(line, ".SH "); is {
				sections = append(sections, strings.Trim(title, "\"\n"))
			}
		}
		assert.Equal(t, []string{"NAME", "DESCRIPTION", "SEE ALSO"}, sections)
	}
	assert.Subset(t, names, []string{"arc4-exit-codes(7)", "arc4-secrets-file(5)", "arc4-status-fields(7)"})
}

func TestManDate(t *testing.T) {
	date, err := manDate("86400")
	require.NoError(t, err)
	assert.Equal(t, "1970-01-02", date.Format(time.DateOnly))
	_, err = manDate("tomorrow")
	assert.ErrorContains(t, err, `SOURCE_DATE_EPOCH="tomorrow": must be a number of seconds`)
	assert.Equal(t, exit.Usage, exit.CodeOf(err))
	date, err = manDate("")
	require.NoError(t, err)
	assert.False(t, date.IsZero())
}
