package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	return string(text)
}

// TestSecretsExample reads the example of a secrets file, which the help and the README share, as
// arc4 serve does.
func TestSecretsExample(t *testing.T) {
	var example string
	for _, b := range parseText(usersFile.text) {
		if b.lines != nil {
			example = strings.Join(b.lines, "\n")
		}
	}
	require.NotEmpty(t, example)
	assert.True(t, strings.Contains(readme(t), "    "+strings.ReplaceAll(example, "\n", "\n    ")+"\n"), "README.md does not have this:\n%s", example)
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

// TestReadmeCommandsExist parses every command line of the README that calls this program.
func TestReadmeCommandsExist(t *testing.T) {
	calls := regexp.MustCompile("(?m)(?:^    (?:ARC4_[A-Z]+=\\S+ )?|`)arc4 ([a-z][^`\n]*)").FindAllStringSubmatch(readme(t), -1)
	require.Greater(t, len(calls), 20)
	for _, call := range calls {
		line, _, _ := strings.Cut(call[1], " #")
		line, _, _ = strings.Cut(line, " |")
		line, _, _ = strings.Cut(line, " >")
		words := strings.Fields(strings.NewReplacer("'", "", "...", "x").Replace(line))
		root := newRoot()
		root.InitDefaultHelpCmd()
		words, err := opensslSpelling(root, words)
		require.NoError(t, err, line)
		cmd, rest, err := root.Find(words)
		require.NoError(t, err, line)
		require.True(t, cmd.HasParent(), line)
		if slices.ContainsFunc(rest, func(w string) bool { return w == strings.ToUpper(w) && len(w) > 3 }) || cmd.Name() == "help" {
			continue // words that stand for others
		}
		assert.NoError(t, cmd.ParseFlags(rest), line)
	}
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
			words, err := opensslSpelling(root, words)
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
