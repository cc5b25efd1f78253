//go:build !noprofiles

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/foreign"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/profile"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
)

const importLong = `import writes a profile out of what another program keeps for a PPTP client:

    /etc/ppp/peers/NAME  pppd's, with pptp-linux; the password comes from /etc/ppp/chap-secrets
    *.nmconnection       of NetworkManager's plugin, in /etc/NetworkManager/system-connections
    /etc/config/network  OpenWrt's, an interface of proto pptp

The profile is NAME.toml in /etc/arc4, or for others than root in their own directory, and nobody else may read it. One that
is there already stays. What could not be carried over is listed, with its line and the reason: read it before the first
connect. Nothing is changed at the other program; stop it first, for a server may allow one session to a user.`

const importExample = `  arc4 import /etc/ppp/peers/office
  arc4 import Office.nmconnection --name office
  arc4 import /etc/config/network --interface vpn`

// importFlags are those of import.
type importFlags struct{ name, section string }

func newImportCmd() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:     "import FILE",
		Short:   "Write a profile out of pppd's, NetworkManager's or OpenWrt's",
		Long:    importLong,
		Example: importExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return exit.Usagef("give one FILE, such as /etc/ppp/peers/office")
			}
			return nil
		},
		ValidArgsFunction: clidoc.CompleteFiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	cmd.Flags().StringVar(&f.name, "name", "", "`NAME` of the profile; left out, what the file calls it")
	cmd.Flags().StringVar(&f.section, "interface", "", "the `INTERFACE` to take, where a file of OpenWrt has several of proto pptp")
	return cmd
}

// longestImport bounds a file that is read, in bytes.
const longestImport = 1 << 20

func readImport(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestImport+1))
	if err == nil && len(text) > longestImport {
		err = fmt.Errorf("longer than %d bytes: is this the right file?", longestImport)
	}
	return text, err
}

func (f *importFlags) run(cmd *cobra.Command, path string) error {
	if filepath.Ext(path) == ".toml" {
		return exit.Usagef("%s: a profile needs no import: arc4 up takes its name, or its path with a / in it", path)
	}
	text, err := readImport(path)
	if errors.Is(err, fs.ErrPermission) {
		return exit.With(exit.Permission, fmt.Errorf("%w: run as root, whose file it is as a rule", err))
	}
	if err != nil {
		return exit.Usagef("%w", err)
	}
	found, err := foreign.Read(text, f.section, readImport)
	if err != nil {
		return exit.Usagef("%s: %w", path, err)
	}
	if !slices.ContainsFunc(found.Settings, func(s foreign.Setting) bool { return s.Key == "server" }) {
		return exit.Usagef("%s: names no server: give the file of one connection, such as /etc/ppp/peers/office", path)
	}
	target, name, err := f.target(path, found.Name)
	if err != nil {
		return err
	}
	pairs, notes := checkImported(found)
	content, err := profile.Encode("From "+path+", by arc4 import (arc4 help profile).", pairs)
	if err != nil {
		return err
	}
	if err := profile.Create(target, content); err != nil {
		return err
	}
	return tellImported(cmd.OutOrStdout(), target, name, pairs, notes)
}

// target is the file to write and the profile's name.
func (f *importFlags) target(path, called string) (target, name string, err error) {
	name = f.name
	if name == "" {
		if name = called; name == "" {
			name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		}
		name = profileName(name)
	}
	if target, err = profile.NewPath(name); err != nil {
		return "", "", exit.Usagef("--name: %w", err)
	}
	if _, err := os.Lstat(target); err == nil {
		return "", "", exit.Usagef("%s is there already: remove it, or give another --name", target)
	}
	return target, name, profile.Free(target)
}

// profileName makes one out of what another program allows.
func profileName(text string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', strings.ContainsRune("_=+.-", r):
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, text)
	name = strings.Trim(name, "-.")
	return strings.TrimRight(name[:min(len(name), 15)], "-.")
}

// checkImported gives the values that arc4 connect takes, and notes the others.
func checkImported(found *foreign.Profile) (pairs []profile.Pair, notes []foreign.Note) {
	cmd, connect := newConnect()
	flags, notes := cmd.Flags(), found.Notes
	for _, s := range found.Settings {
		if s.Key != serverKey && s.Key != passwordKey {
			if err := setAll(flags, s.Key, s.Value); err != nil {
				notes = append(notes, foreign.Note{Line: s.Line, Text: fmt.Sprintf("%s %v: %v", s.Key, s.Value, err)})
				continue
			}
		}
		pairs = append(pairs, profile.Pair{Key: s.Key, Value: s.Value})
	}
	// A profile always dials again, unless it says otherwise.
	if !flags.Changed("reconnect") {
		connect.redial.reconnect = true
	}
	if err := connect.consistent(cmd); err != nil {
		notes = append(notes, foreign.Note{Text: "arc4 connect refuses it as it is: " + err.Error()})
	}
	return pairs, notes
}

// longestNote bounds a note, which quotes the file, in characters.
const longestNote = 1000

// tellImported says what was written, and what was not.
func tellImported(out io.Writer, target, name string, pairs []profile.Pair, notes []foreign.Note) error {
	var b strings.Builder
	keys := make([]string, len(pairs))
	for i, p := range pairs {
		keys[i] = p.Key
	}
	fmt.Fprintf(&b, "%s: %s\n", target, strings.Join(keys, ", "))
	if len(notes) > 0 {
		fmt.Fprintln(&b, "\nNot carried over, or to be looked at:")
	}
	for _, n := range notes {
		if n.Line > 0 {
			fmt.Fprintf(&b, "  line %d: %s\n", n.Line, report.PrintableUpTo(n.Text, longestNote))
		} else {
			fmt.Fprintf(&b, "  %s\n", report.PrintableUpTo(n.Text, longestNote))
		}
	}
	fmt.Fprintf(&b, "\nTo try it: arc4 connect --profile %s\n", name)
	_, err := io.WriteString(out, b.String())
	return err
}
