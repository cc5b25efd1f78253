package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

// document returns a page of the repository, such as README.md.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	require.NoError(t, err)
	return string(text)
}

// TestSecretsExample reads the example of a secrets file, which the help and two pages share, as
// arc4 serve does.
func TestSecretsExample(t *testing.T) {
	var example string
	for _, b := range clidoc.ParseText(usersFile.Text) {
		if b.Lines != nil {
			example = strings.Join(b.Lines, "\n")
		}
	}
	require.NotEmpty(t, example)
	lines := "    " + strings.ReplaceAll(example, "\n", "\n    ") + "\n"
	for _, page := range []string{"README.md", "doc/serve.md"} {
		assert.True(t, strings.Contains(document(t, page), lines), "%s does not have this:\n%s", page, example)
	}
	table, err := secrets.Parse([]byte(example), "example", func(path string) (string, error) { return "in " + path, nil })
	require.NoError(t, err)
	assert.Empty(t, table.Warnings())
	assert.Equal(t, 3, table.Len())
	for user, want := range map[string]string{"alice": "correct horse", "bob": "hunter2", `OFFICE\carol`: "in /etc/arc4/carol"} {
		secret, found := table.Lookup(user, "arc4")
		require.True(t, found, user)
		assert.Equal(t, want, secret.Password)
		assert.True(t, secret.AnyAllowed())
	}
}

// TestDocumentedCommandsExist parses every command line of the pages that calls this program.
func TestDocumentedCommandsExist(t *testing.T) {
	pattern := regexp.MustCompile("(?m)(?:^    (?:ARC4_[A-Z]+=\\S+ )?|`)arc4 ([a-z][^`\n]*)")
	least := map[string]int{"README.md": 15, "doc/MEASURED.md": 12, "doc/connect.md": 4, "doc/serve.md": 5}
	for _, page := range documents(t) {
		if page == "CHANGELOG.md" {
			continue // which names flags alone
		}
		t.Run(page, func(t *testing.T) {
			calls := pattern.FindAllStringSubmatch(document(t, page), -1)
			require.GreaterOrEqual(t, len(calls), least[page])
			for _, call := range calls {
				callExists(t, call[1])
			}
		})
	}
}

// callExists parses what stands behind arc4 on a line.
func callExists(t *testing.T, call string) {
	t.Helper()
	line, _, _ := strings.Cut(call, " #")
	line, _, _ = strings.Cut(line, " |")
	line, _, _ = strings.Cut(line, " >")
	words := strings.Fields(strings.NewReplacer("'", "", "...", "x").Replace(line))
	root := newRoot()
	root.InitDefaultHelpCmd()
	words, err := cmdline.OpensslSpelling(root, words)
	require.NoError(t, err, line)
	cmd, rest, err := root.Find(words)
	require.NoError(t, err, line)
	require.True(t, cmd.HasParent(), line)
	if slices.ContainsFunc(rest, func(w string) bool { return w == strings.ToUpper(w) && len(w) > 3 }) || cmd.Name() == "help" {
		return // words that stand for others
	}
	if !features.Capture && strings.Contains(line, "--capture") {
		return // a build tag has left it out
	}
	assert.NoError(t, cmd.ParseFlags(rest), line)
}

// TestExamplesParse does so with the examples of every command.
func TestExamplesParse(t *testing.T) {
	everyCommand(newRoot(), func(documented *cobra.Command) {
		for line := range strings.Lines(documented.Example) {
			_, call, isOurs := strings.Cut(" "+line, " arc4 ")
			if !isOurs {
				continue
			}
			call, _, _ = strings.Cut(call, " #")
			call, _, _ = strings.Cut(call, " |")
			call, _, _ = strings.Cut(call, " >")
			words := strings.Fields(strings.NewReplacer("'", "", ")", "").Replace(call))
			root := newRoot()
			root.InitDefaultHelpCmd()
			words, err := cmdline.OpensslSpelling(root, words)
			require.NoError(t, err, line)
			cmd, rest, err := root.Find(words)
			require.NoError(t, err, line)
			assert.NoError(t, cmd.ParseFlags(rest), line)
			if cmd.Args != nil && cmd.Name() != "help" {
				assert.NoError(t, cmd.Args(cmd, cmd.Flags().Args()), line)
			}
		}
	})
}
