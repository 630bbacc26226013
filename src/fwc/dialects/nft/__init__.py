"""nftables: `nft` text and `nft -j` JSON."""

from fwc.dialects.nft.dialect import dialect

__all__ = ["dialect"]
