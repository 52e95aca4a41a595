/// What a reader has met that it reads all the same, but that somebody should know of.
struct CaptureOddities {
    /// The first section or file of a version that is not known.
    var unknownVersion: (place: String, major: UInt16, minor: UInt16, known: Int)?
    /// How many there were.
    var unknownVersions = 0
    /// Time stamps that do not fit 64 bits of nanoseconds.
    var clampedTimestamps = 0

    mutating func noteVersion(_ major: UInt16, _ minor: UInt16, known: Int, in place: String) {
        unknownVersions += 1
        if unknownVersion == nil { unknownVersion = (place, major, minor, known) }
    }
}

extension CaptureReader {
    /// What is odd about what was read so far although it could be read, one line each, with the name of the file.
    ///
    /// Versions that are not known, time stamps that are clamped, and, at the end of a compressed file, what its
    /// decompressor has said: gzip ignores what follows the compressed data, for example.
    public var warnings: [String] {
        if let merged { return merged.warnings }
        var warnings: [String] = []
        if let (place, major, minor, known) = oddities.unknownVersion {
            let more = oddities.unknownVersions > 1 ? ", like \(oddities.unknownVersions - 1) more sections" : ""
            warnings.append(
                "\(place): version \(major).\(minor) is not known, and was read as if it were version \(known)\(more)")
        }
        if oddities.clampedTimestamps > 0 {
            warnings.append(
                "\(oddities.clampedTimestamps) time stamps lie outside of the years 1677 to 2262, which 64 bits of "
                    + "nanoseconds hold, and were moved to the end of them")
        }
        warnings += input.decompressor?.warnings.map { "decompressed with a warning: \($0)" } ?? []
        return warnings.map { "\(name): \($0)" }
    }

    /// A record has the first or last time there is: by itself, or since its own does not fit.
    @inline(never)
    mutating func noteOutermostTime(_ units: UInt64, _ description: CaptureInterface) {
        if description.resolution.isClamped(units) { oddities.clampedTimestamps += 1 }
    }
}
