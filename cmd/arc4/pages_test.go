package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/features"
)

// TestExitCodesAreTheSameEverywhere compares the README's table with what the help says.
func TestExitCodesAreTheSameEverywhere(t *testing.T) {
	table := "| code | meaning |\n| --- | --- |\n"
	for _, m := range exit.Meanings {
		table += fmt.Sprintf("| %d | %s |\n", m.Code, m.Text())
	}
	if len(features.LeftOut()) == 0 { // the table is of all that there is
		assert.True(t, strings.Contains(document(t, "README.md"), table), "README.md does not have this table:\n%s", table)
	}
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		page, help := documentation.PageOf(cmd), strings.Join(strings.Fields(documentation.Help(cmd, clidoc.UsualWidth)), " ")
		for _, e := range page.Exits {
			assert.Contains(t, help, " "+e.Name+" "+e.What)
		}
		for _, m := range exit.Meanings {
			if own := m.Of(clidoc.CommandName(cmd)); own != m.Meaning {
				assert.Contains(t, page.Exits, clidoc.Entry{Name: strconv.Itoa(m.Code), What: own}, "%s has a meaning of its own for it", cmd.Name())
			}
		}
	})
}
