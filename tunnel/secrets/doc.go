// Package secrets reads the file of users that pppd reads, /etc/ppp/chap-secrets: who may log
// in to which server with what password, and which tunnel addresses they may have.
//
//	# client      server  secret            addresses
//	alice         arc4    "correct horse"   10.99.0.50
//	bob           *       hunter2           *
//	OFFICE\\carol *       @/etc/arc4/carol  10.99.0.0/24 !10.99.0.1
//
// The format is that of the pppd(8) manual, section AUTHENTICATION, read as pppd reads it: as
// are its choice among several lines for a client, and its address column, where no word at
// all allows no address. Where pppd skips a line with a warning, or cuts a word short, Parse
// returns an error instead.
package secrets
