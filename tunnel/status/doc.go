// Package status lets a running tunnel be asked how it is: a Snapshot of its sessions and
// counters, over a unix socket that only its owner and root may use.
//
// The protocol is one line each way: the client writes "snapshot", the server answers with
// the Snapshot as one line of JSON, and either may go on or hang up. So a shell can ask too:
//
//	echo snapshot | nc -U /run/arc4/serve.sock
//
// To "trace", with or without a peer's address behind it, the server answers with a line of JSON
// for each line of the tunnel's trace (package trace) until one of them hangs up.
package status
