//go:build !noprofiles

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/profile"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/settings"
)

// pathFlags are the flags that name a file: in a profile, beside the profile if the path is no
// absolute one.
var pathFlags = []string{"password-file", "proxy-password-file", "backend-cache", "secrets", "capture"}

// notInFiles are the flags that a file cannot set: they are about files.
var notInFiles = []string{"help", "profile", "save", "config"}

// readProfile reads the file that a flag names, by the name of a profile or by its path.
func readProfile(cmd *cobra.Command, g *given, flag, which string) (err error) {
	if which == "" {
		return exit.Usagef("--%s is empty: name the file, or leave the flag out", flag)
	}
	if flag == "config" {
		g.file, err = filepath.Abs(which)
	} else {
		g.profile, g.file, err = findProfile(which)
	}
	if err != nil {
		return exit.Usagef("--%s: %w", flag, err)
	}
	file, err := profile.Read(g.file)
	if err != nil {
		return err // which names the file; who called up has given no flag
	}
	for _, e := range file.Entries {
		if err := g.take(cmd, e, settings.Origin{File: g.file, Line: e.Line}); err != nil {
			return err
		}
	}
	if err := g.checkPassword(cmd, file); err != nil {
		return err
	}
	if reconnect := cmd.Flag("reconnect"); reconnect != nil && !reconnect.Changed {
		// Who keeps a tunnel in a file wants it to stay.
		if err := cmd.Flags().Set("reconnect", "true"); err != nil {
			panic(err)
		}
		g.Implied("reconnect", settings.Origin{File: g.file, Line: 1})
	}
	return nil
}

// findProfile gives a profile's name and its file.
func findProfile(which string) (name, path string, err error) {
	return profile.Find(which, profile.Dirs())
}

// isProfile reports whether a word is a profile's name.
func isProfile(word string) bool {
	_, _, err := findProfile(word)
	return err == nil && !strings.ContainsRune(word, filepath.Separator)
}

// take gives what an entry says to where it belongs.
func (g *given) take(cmd *cobra.Command, e profile.Entry, at settings.Origin) error {
	flag := cmd.Flags().Lookup(e.Key)
	isConnect := cmd.Name() == "connect"
	switch {
	case isConnect && (e.Key == serverKey || e.Key == passwordKey):
		if e.Value.List || e.Value.Kind != settings.Text {
			return exit.Usagef("%s: %s: must be a text in quotation marks", at, e.Key)
		}
		if e.Value.Items[0] == "" {
			return exit.Usagef("%s: %s is empty: leave the line out, or say what it is", at, e.Key)
		}
		g.takeText(e.Key, e.Value.Items[0], at)
		return nil
	case flag == nil || slices.Contains(notInFiles, flag.Name):
		return g.unknownKey(cmd, e.Key, at)
	case slices.Contains(pathFlags, flag.Name) && !e.Value.List && e.Value.Items[0] != "" && !filepath.IsAbs(e.Value.Items[0]):
		e.Value.Items = []string{filepath.Join(filepath.Dir(g.file), e.Value.Items[0])}
	}
	if _, given := os.LookupEnv(passwordVariable); given && flag.Name == "password-file" {
		return nil // the environment comes first
	}
	return g.Set(cmd.Flags(), flag.Name, e.Value, at)
}

// takeText takes a key that is no flag.
func (g *given) takeText(key, text string, at settings.Origin) {
	switch {
	case key == passwordKey:
		g.password = &text
	case g.server == "":
		g.server, g.serverFrom = text, at
	}
}

// checkPassword looks after a password that stands in the file itself.
func (g *given) checkPassword(cmd *cobra.Command, file *profile.File) error {
	if g.password == nil {
		return nil
	}
	line := file.Entries[slices.IndexFunc(file.Entries, func(e profile.Entry) bool { return e.Key == passwordKey })].Line
	if o, known := g.Origin("password-file"); known && o.File != "" {
		return exit.Usagef("%s:%d: password and password-file exclude each other: leave one of them out", file.Path, line)
	}
	insecure := cmd.Flag("insecure-secrets").Value.String() == "true"
	if file.OpenToOthers() && !insecure {
		return exit.With(exit.Permission, fmt.Errorf("%s:%d: there is a password in the file, and others may read it (mode %04o): chmod 600 %s, or insecure-secrets = true in it",
			file.Path, line, file.Mode().Perm(), file.Path))
	}
	return nil
}

// unknownKey says what was probably meant.
func (g *given) unknownKey(cmd *cobra.Command, key string, at settings.Origin) error {
	if slices.Contains(notInFiles, key) {
		return exit.Usagef("%s: %s can be given on the command line only: leave it out", at, key)
	}
	if other := otherCommand(cmd, key); other != "" {
		return exit.Usagef("%s: %s is a flag of arc4 %s, not of arc4 %s: leave it out", at, key, other, cmd.Name())
	}
	if key == serverKey || key == passwordKey { // connect takes them before
		return exit.Usagef("%s: %s is a key of profiles of arc4 connect, not of arc4 %s: leave it out, if this is the right file", at, key, cmd.Name())
	}
	if meant := cmdline.Nearest(key, profileKeys(cmd)); meant != "" {
		return exit.Usagef("%s: unknown key %q: did you mean %s?", at, key, meant)
	}
	return exit.Usagef(`%s: unknown key %q: "arc4 help profile" lists them`, at, key)
}

// otherCommand is the other of the two commands that have profiles, if it has the flag.
func otherCommand(cmd *cobra.Command, flag string) string {
	for _, name := range []string{"connect", "serve"} {
		other, _, err := cmd.Root().Find([]string{name})
		if err == nil && name != cmd.Name() && other.Flags().Lookup(flag) != nil && !slices.Contains(notInFiles, flag) {
			return name
		}
	}
	return ""
}

// profileKeys are the keys that a command's file may have.
func profileKeys(cmd *cobra.Command) []string {
	var keys []string
	if cmd.Name() == "connect" {
		keys = append(keys, serverKey, passwordKey)
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(notInFiles, f.Name) && f.Deprecated == "" {
			keys = append(keys, f.Name)
		}
	})
	return keys
}

// completeProfiles offers the names of profiles.
func completeProfiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return profile.Names(profile.Dirs()), cobra.ShellCompDirectiveNoFileComp
}
