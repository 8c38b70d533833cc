module go-tour

go 1.24

require sessile v0.0.0

replace sessile => ../../guest-sdk/go
