module sessile

go 1.24
