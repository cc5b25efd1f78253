//go:build !nobugreport && !noprofiles

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/background"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/bugreport"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/profile"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/settings"
)

var completeReported = completeProfile

// mostOfLog is how much of the end of a log is taken, in bytes.
const mostOfLog = 1 << 20

// profile adds a profile without its secrets, learns those, and adds the log of its runs. It gives
// the profile's name.
func (e *evidence) profile(ctx context.Context, which string) (name string, err error) {
	r, err := logsOf(which)
	if err != nil {
		return "", err
	}
	if r.path != "" {
		file, err := profile.Read(r.path)
		if err != nil {
			e.report.Miss("profile.toml", err)
			e.mistaken(r.path)
		} else {
			e.report.Add("profile.toml", tellsProfile, e.written(file), nil)
		}
	}
	e.secretFile(filepath.Join("/etc/credstore", "arc4-"+r.name+".password"), false)
	e.log(ctx, r)
	return r.name, nil
}

// written is a profile as it may be shown: without comments, which may have anything in them, and
// without the values of secrets and of keys that nobody knows.
func (e *evidence) written(file *profile.File) []byte {
	root := newRoot()
	connect, _, _ := root.Find([]string{"connect"})
	known := profileKeys(connect)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s, mode %04o\n", file.Path, file.Mode().Perm())
	for _, entry := range file.Entries {
		shown := slices.Contains(known, entry.Key)
		for _, item := range entry.Value.Items {
			if slices.Contains(pathFlags, entry.Key) && item != "" && !filepath.IsAbs(item) {
				item = filepath.Join(filepath.Dir(file.Path), item)
			}
			if !shown {
				e.secrets.Add(item)
			}
			e.setting(entry.Key, item, filepath.Dir(file.Path))
			if entry.Key == "capture" && e.capture == "" {
				e.capture = item
			}
		}
		switch {
		case !shown:
			fmt.Fprintf(&b, "%s = \"(not shown: unknown key)\"\n", entry.Key)
		case settings.SecretOf(entry.Key) == settings.SecretValue:
			fmt.Fprintf(&b, "%s = \"(not shown)\"\n", entry.Key)
		default:
			fmt.Fprintf(&b, "%s = %s\n", entry.Key, tomlOf(entry.Value))
		}
	}
	return b.Bytes()
}

// mistaken learns the secrets of a profile that is no TOML, as far as its lines can be told apart.
func (e *evidence) mistaken(path string) {
	text, _ := readSome(path) // why it cannot be read has been noted
	for line := range strings.Lines(text) {
		if key, value, is := strings.Cut(line, "="); is {
			e.setting(strings.Trim(strings.TrimSpace(key), `"'`), strings.Trim(strings.TrimSpace(value), `"'`), filepath.Dir(path))
		}
	}
}

// tomlOf is a value as a profile has it.
func tomlOf(v settings.Value) string {
	items := make([]string, len(v.Items))
	for i, item := range v.Items {
		items[i] = item
		if v.Kind == settings.Text {
			items[i] = strconv.Quote(item)
		}
	}
	if v.List {
		return "[" + strings.Join(items, ", ") + "]"
	}
	return items[0]
}

// log adds what the runs of a profile have logged.
func (e *evidence) log(ctx context.Context, r *profileRun) {
	if r.managed() {
		text, err := bugreport.Run(ctx, "journalctl", append(background.Journal(r.name, false).Args[1:], "--no-pager", "--lines=10000")...)
		e.report.Add("journal.txt", tellsLog, text, err)
	}
	path, err := background.LogPath(r.name)
	if err != nil {
		e.report.Miss("log.txt", err)
		return
	}
	for file, from := range map[string]string{"log.txt": path, "log.1.txt": path + ".1"} {
		text, err := os.ReadFile(from)
		switch {
		case os.IsNotExist(err):
			continue
		case len(text) > mostOfLog:
			text = text[len(text)-mostOfLog:]
			text = text[bytes.IndexByte(text, '\n')+1:] // a secret may have been cut in two
		}
		e.report.Add(file, tellsLog, text, err)
	}
}
