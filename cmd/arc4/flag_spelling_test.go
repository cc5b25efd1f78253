package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/features"
)

func TestOpensslSpelling(t *testing.T) {
	for args, want := range map[string]string{
		"speed -seconds 1 -bytes 1400 -evp RC4":        "speed --seconds 1 --bytes 1400 rc4",
		"speed -evp AES-128-CBC -elapsed -mr -multi 2": "speed aes-128-cbc --elapsed --mr --multi 2",
		"speed -evp=rc4 -seconds=0.5":                  "speed rc4 --seconds=0.5",
		"speed --seconds 1 rc4":                        "speed --seconds 1 rc4",
		"speed -h":                                     "speed -h",
		"speed -help":                                  "speed --help",
		"speed --seconds -1":                           "speed --seconds -1",
		"speed tunnel -seconds 1 -rows none":           "speed tunnel --seconds 1 --rows none",
		"--log-level debug speed -log-level info":      "--log-level debug speed --log-level info",
		"speed -- -seconds":                            "speed -- -seconds",
		"speed -nonsense":                              "speed -nonsense",
		"connect host -user alice":                     "connect host -user alice",
		"status -json":                                 "status -json",
		"speed --workload ":                            "speed --workload ",
	} {
		if strings.HasPrefix(args, "speed tunnel") && !features.SpeedTunnel {
			continue // a command that is not there has no flags
		}
		got, err := cmdline.OpensslSpelling(newRoot(), strings.Split(args, " "))
		require.NoError(t, err, args)
		assert.Equal(t, want, strings.Join(got, " "))
	}
	for args, want := range map[string]string{
		"speed -evp":              "-evp: give the name behind it, such as -evp rc4",
		"speed -decrypt -evp rc4": "-decrypt: RC4 deciphers by enciphering: leave it out",
		"speed -async_jobs 4":     "-async_jobs: several threads at once are --multi",
		"speed -engine padlock":   "-engine: OpenSSL's own RC4 is the name libcrypto",
	} {
		_, err := cmdline.OpensslSpelling(newRoot(), strings.Split(args, " "))
		assert.EqualError(t, err, want)
		assert.Equal(t, exit.Usage, exit.CodeOf(err))
	}
}
