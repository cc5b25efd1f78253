package malta

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Job is a shell script that runs in a guest of its own.
type Job struct {
	// Script is a file in interop/router/jobs, without .sh; Args are its arguments.
	Script string
	Args   []string
	// Files lie in the guest's /job, under these names: a path on this machine each.
	Files map[string]string
	// Memory is the machine's, in MB; Debian's kernel takes 15 of them.
	Memory int
	// Counted makes an instruction take 2 ns of the guest's time, so that the guest is a machine of
	// 500 MIPS whatever this one does, and its figures count instructions.
	Counted bool
	// XZ packs Files as the flash of a router does. Else they are quick to read.
	XZ bool
	// Server is a program arc4 for this machine, or "". With it the guest has a network interface,
	// whose cable ends in a network namespace of this machine: there the program serves, and at
	// its end of the tunnel two TCP ports are open (outside_linux.go).
	Server string
	// Limit is the longest that a boot may take.
	Limit time.Duration
}

// prelude is what a guest runs: %s are the words of a command.
const prelude = `export INTEROP=/job/interop INTEROP_BUILD=/job
cd /
exec bash %s
`

// known refuses a job that there is none of, and names those that there are.
func (r *Router) known(script string) error {
	scripts, err := filepath.Glob(filepath.Join(r.interop, "router", "jobs", "*.sh"))
	if err != nil {
		return err
	}
	var names []string
	for _, s := range scripts {
		names = append(names, strings.TrimSuffix(filepath.Base(s), ".sh"))
	}
	if !slices.Contains(names, script) {
		return fmt.Errorf("there is no job %q: give one of %s", script, strings.Join(names, ", "))
	}
	return nil
}

// pack writes the job's files to a squashfs in dir.
func (r *Router) pack(ctx context.Context, j Job, dir string) (image string, err error) {
	if err := r.known(j.Script); err != nil {
		return "", err
	}
	tree := filepath.Join(dir, "job")
	files := map[string]string{
		"kpptp.so":  filepath.Join(r.dir, "kpptp.so"),
		"script.sh": filepath.Join(r.interop, "router", "jobs", j.Script+".sh"),
		"lab.sh":    filepath.Join(r.interop, "router", "guest", "lab.sh"),
	}
	for _, name := range []string{"lib.sh", "peers.sh", "ours.sh", "measure.sh"} {
		files["interop/guest/"+name] = filepath.Join(r.interop, "guest", name)
	}
	for name, path := range j.Files {
		files[name] = path
	}
	for name, path := range files {
		to := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return "", err
		}
		from, err := filepath.EvalSymlinks(path)
		if err != nil {
			return "", err
		}
		data, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(to, data, 0o755); err != nil {
			return "", err
		}
	}
	words := []string{"/job/script.sh"}
	for _, a := range j.Args {
		words = append(words, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	if err := os.WriteFile(filepath.Join(tree, "job.sh"), fmt.Appendf(nil, prelude, strings.Join(words, " ")), 0o755); err != nil {
		return "", err
	}
	image = filepath.Join(dir, "job.sq")
	packing := []string{"-comp", "gzip"}
	if j.XZ {
		packing = []string{"-comp", "xz", "-b", "128K"}
	}
	output, err := exec.CommandContext(ctx, "mksquashfs", append([]string{tree, image, "-noappend", "-quiet", "-no-progress", "-all-root"}, packing...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("mksquashfs: %w\n%s", err, output)
	}
	return image, nil
}
