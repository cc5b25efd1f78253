# A double of OpenWrt's rules.mk: what the package Makefiles use of it.
INSTALL_BIN:=install -m0755
INSTALL_DIR:=install -d -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
BUILD_DIR:=/build
