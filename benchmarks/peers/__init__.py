"""The servers that Digits is compared with: the same network, or nothing, behind other frameworks."""
