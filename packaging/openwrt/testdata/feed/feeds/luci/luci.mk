# A double of LuCI's luci.mk, which takes all of htdocs.
show:
	@echo 'LUCI_TITLE=$(LUCI_TITLE)'; echo 'LUCI_DEPENDS=$(LUCI_DEPENDS)'; echo 'LUCI_PKGARCH=$(LUCI_PKGARCH)'; echo 'PKG_LICENSE=$(PKG_LICENSE)'
