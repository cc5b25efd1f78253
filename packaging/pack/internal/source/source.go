// Package source tells the programs that pack arc4 of its sources, and builds it.
package source

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Epoch is when everything in a package is said to have changed last: SOURCE_DATE_EPOCH, or else
// when the commit was made. root is the folder of the repository.
func Epoch(root string) (time.Time, error) {
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if seconds == "" {
		out, err := exec.Command("git", "-C", root, "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("when the sources were changed, git does not know: set SOURCE_DATE_EPOCH to seconds since 1970 (%w)", err)
		}
		seconds = strings.TrimSpace(string(out))
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH=%s: must be seconds since 1970", seconds)
	}
	return time.Unix(n, 0).UTC(), nil
}

// Build has tools/build make the program, of a version, for the target that arguments and
// environment say. root is the folder of the repository, and output is absolute.
func Build(root, version, output string, arguments, environment []string) error {
	args := append([]string{"run", "./tools/build", "-version", version, "-o", output}, arguments...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
