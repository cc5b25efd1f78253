package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
)

// SystemDir is where the profiles are that everybody may use who may read them.
const SystemDir = "/etc/arc4"

const suffix = ".toml"

// namePattern is what a profile may be called, as wg-quick(8) has it: an interface's name, or a
// unit's instance, can be the same.
var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_=+.-]{1,15}$`)

// server is the name of the file that packages bring for arc4 serve, which is no profile.
const server = "serve"

// CheckName says what is wrong with a profile's name.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty: give the NAME of a file NAME.toml")
	case name[0] == '-' || name[0] == '.':
		return fmt.Errorf("%q is no name of a profile: it must not begin with %c", name, name[0])
	case name == server:
		return fmt.Errorf("%q is no name of a profile: %s%s is a server's file, for arc4 serve --config; choose another name", name, server, suffix)
	case !namePattern.MatchString(name):
		return fmt.Errorf("%q is no name of a profile: give 1 to 15 of a-z, A-Z, 0-9 and _=+.-", name)
	}
	return nil
}

// Dirs are the directories that hold profiles, in the order in which they are looked into: the
// user's own, then SystemDir.
func Dirs() []string {
	var dirs []string
	if own := ownDir(); own != "" {
		dirs = append(dirs, own)
	}
	return append(dirs, SystemDir)
}

// ownDir is where the profiles of this user alone are; empty if the user has no home.
func ownDir() string {
	base := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) {
		home := os.Getenv("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "arc4")
}

// NewPath is where a new profile is kept: root's for all, another user's among the user's own.
func NewPath(name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	dir := SystemDir
	if os.Geteuid() != 0 {
		if dir = ownDir(); dir == "" {
			return "", errors.New("there is no directory for it: set HOME or XDG_CONFIG_HOME")
		}
	}
	return filepath.Join(dir, name+suffix), nil
}

// NotFoundError is a name for which there is no file.
type NotFoundError struct {
	Name  string
	Meant string // a name for which there is one; empty if none is near
	Dirs  []string
}

func (e *NotFoundError) Error() string {
	if e.Meant != "" {
		return fmt.Sprintf("no profile %q: did you mean %s?", e.Name, e.Meant)
	}
	var files []string
	for _, dir := range e.Dirs {
		files = append(files, filepath.Join(dir, e.Name+suffix))
	}
	return fmt.Sprintf("no profile %q: there is no %s", e.Name, strings.Join(files, " and no "))
}

// Find gives the name of a profile and the file that holds it. What has a slash in it is the file
// itself; the first of dirs that has a file of the name counts otherwise.
func Find(which string, dirs []string) (name, path string, err error) {
	if strings.ContainsRune(which, filepath.Separator) {
		name = strings.TrimSuffix(filepath.Base(which), suffix)
		if name == filepath.Base(which) {
			return "", "", fmt.Errorf("%s: the name of a profile's file ends in %s", which, suffix)
		}
		if path, err = filepath.Abs(which); err != nil {
			return "", "", err
		}
		return name, path, CheckName(name)
	}
	if err := CheckName(which); err != nil {
		return "", "", err
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, which+suffix)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return which, path, nil // whatever else is wrong with it shows when it is read
		}
	}
	return "", "", &NotFoundError{which, nearest(which, dirs), dirs}
}

// nearest is the profile that was probably meant, or empty.
func nearest(which string, dirs []string) string {
	if bare, is := strings.CutSuffix(which, suffix); is {
		which = bare
	}
	names := Names(dirs)
	if slices.Contains(names, which) {
		return which
	}
	return cmdline.Nearest(which, names)
}

// Names are those of all profiles in dirs, sorted, each once.
func Names(dirs []string) []string {
	var names []string
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // one that is not there holds none, and one that is closed none for this user
		}
		for _, e := range entries {
			name, is := strings.CutSuffix(e.Name(), suffix)
			if is && !e.IsDir() && CheckName(name) == nil {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
