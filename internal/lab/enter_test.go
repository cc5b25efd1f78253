package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// enteringEnv makes the test program one that enters a user namespace, if it can,
// and opens a lab.
const enteringEnv = "LAB_TEST_ENTERING"

// entering is that program.
func entering() (code int) {
	done, code, why := Enter(context.Background())
	if done {
		fmt.Println("the program inside ended with", code)
		return code
	}
	cfg := Config{Why: why}
	if why != "" {
		cfg.Mode = Userspace
	}
	l, err := New(context.Background(), cfg)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("%v: %s\n", l.Mode(), l.Why())
	if err := l.Close(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 7
}

// TestEnter runs it as an ordinary user. Which of the modes that user gets is the
// machine's affair; the reason must be told.
func TestEnter(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), enteringEnv+"=1")
	asNobody(cmd)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 7, exit.ExitCode())
	require.Regexp(t, `^(kernel|userspace): \S.*\n(the program inside ended with 7\n)?$`, string(out))
}
