"""The flags of the verbs, by what they are about; light to import, as every verb's are for `--help`."""
