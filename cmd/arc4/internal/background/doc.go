// Package background runs profiles without a terminal: which process runs which, how one is started
// and told to end, where its log is, and when systemd does all that instead.
package background
