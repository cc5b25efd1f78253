package cmdline

import (
	"strconv"
	"time"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel"
)

// ParseHoldOff reads --holdoff: seconds, as pppd's option of that name has them, or a duration with
// its unit.
func ParseHoldOff(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if n, intErr := strconv.ParseUint(s, 10, 32); intErr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < tunnel.MinHoldOff || d > tunnel.MaxHoldOff {
		return 0, exit.Usagef("--holdoff %q: must be %d to %d seconds, or a duration such as 5s or 2m (left out, the pauses grow from 1s to 1m)",
			s, int(tunnel.MinHoldOff.Seconds()), int(tunnel.MaxHoldOff.Seconds()))
	}
	return d, nil
}
