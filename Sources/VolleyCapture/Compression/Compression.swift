/// A compression of whole files: how it begins, and the program that undoes it.
struct Compression: Equatable {
    /// What people call it.
    let name: String
    /// The program, looked up in `PATH`; it writes to standard output what it reads, decompressed.
    let program: String
    /// The package of Debian and Ubuntu that has the program.
    let debianPackage: String
    /// What the program is called with.
    var arguments = ["-dc"]
    /// Exit statuses that mean that everything was decompressed.
    var goodStatuses: Set<Int32> = [0]

    // A status of 2 is gzip's for warnings, such as zeros behind the end of the data.
    static let gzip = Compression(name: "gzip", program: "gzip", debianPackage: "gzip", goodStatuses: [0, 2])
    static let zstd = Compression(name: "zstd", program: "zstd", debianPackage: "zstd", arguments: ["-dcq"])
    static let lz4 = Compression(name: "lz4", program: "lz4", debianPackage: "lz4", arguments: ["-dcq"])
    static let xz = Compression(name: "xz", program: "xz", debianPackage: "xz-utils")
    static let bzip2 = Compression(name: "bzip2", program: "bzip2", debianPackage: "bzip2")

    /// How many compressions may lie over each other.
    static let nestingMax = 4

    /// The compression of a file that begins with these four bytes.
    static func beginning(with magic: UInt32) -> Compression? {
        switch magic {
        case 0x28b5_2ffd: zstd
        case 0xfd37_7a58: xz
        case 0x0422_4d18: lz4
        case _ where magic >> 16 == 0x1f8b: gzip
        case _ where magic >> 8 == 0x42_5a68: bzip2
        default: nil
        }
    }
}
