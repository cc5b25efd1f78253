package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/features"
)

// Whoever calls a command that is not in the build hears why, whatever else the line has.
func TestAbsentCommand(t *testing.T) {
	for _, args := range [][]string{{"demo"}, {"demo", "--help"}, {"demo", "--seconds", "now", "x"}, {"help", "demo"}} {
		root := &cobra.Command{Use: programName, SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(newAbsentCmd("demo", "demo"))
		root.SetHelpCommand(newHelpCmd())
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetArgs(args)
		err := root.Execute()
		assert.EqualError(t, err, `built without: arc4 demo (build tag nodemo); "arc4 version" lists what this build has not`, "%q", args)
		assert.Equal(t, exit.Usage, exit.CodeOf(err))
		assert.Empty(t, out.String())
	}
	assert.NoError(t, absentError(&cobra.Command{}), "a command that is there")
}

// The README lists the build tags, and what each leaves out.
func TestTagsInReadme(t *testing.T) {
	table := "| tag | leaves out |\n| --- | --- |\n"
	for _, f := range features.All() {
		table += fmt.Sprintf("| `%s` | %s |\n", f.Tag, f.What)
	}
	assert.True(t, strings.Contains(document(t, "README.md"), table), "README.md does not have this table:\n%s", table)
}
