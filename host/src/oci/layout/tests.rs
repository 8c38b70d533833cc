//! The layout, without a registry: what is made is what is read, always the same, and nothing else is taken.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{APP, Artifact, CONFIG, FILE, Layout, LayoutError, SIGNED};
use crate::app::archive::Contents;
use crate::app::digest::Digest;
use crate::app::{Bundle, Source, manifest_of_component};
use crate::limits;
use crate::oci::folder::Folder;

const TEXT: &str = "[app]\nname = \"x\"\n[[routes]]\npath = \"/{f...}\"\nfiles = \"public\"\n[[routes]]\npath = \"/h\"\n\
                    handler = \"h\"\n[handlers.h]\ncomponent = \"h.wasm\"\n";

fn bundle(text: &str, files: &[(&str, &'static [u8])]) -> Bundle {
    let wasm: &'static [u8] = b"\0asm\x0d\0\x01\0";
    let sources = files.iter().map(|(_, bytes)| *bytes).chain([wasm]);
    let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), Digest::of(bytes))).collect();
    Bundle {
        name: "x".into(),
        contents: Contents {
            manifest: text.into(),
            components: [("h".to_owned(), Digest::of(wasm))].into(),
            files: [("/{f...}".to_owned(), files)].into(),
        },
        signature: Some("signed\n".into()),
        sources: sources.map(|bytes| (Digest::of(bytes), Source::Memory(bytes.into()))).collect(),
    }
}

fn one_component() -> (PathBuf, Bundle) {
    let file = PathBuf::from("/build/Echo.wasm");
    let mut bundle = bundle(&manifest_of_component(&file), &[]);
    bundle.contents.files.clear();
    let digest = bundle.contents.components.remove("h").unwrap();
    bundle.contents.components.insert("main".into(), digest);
    (file, bundle)
}

fn image(layers: &Value) -> Vec<u8> {
    let config = json!({"mediaType": CONFIG, "digest": Digest::of(b"{}"), "size": 2});
    json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string().into_bytes()
}

fn layer(media_type: &str, title: &str, size: u64) -> Value {
    let annotations = json!({"org.opencontainers.image.title": title});
    json!({"mediaType": media_type, "digest": Digest::of(title.as_bytes()), "size": size, "annotations": annotations})
}

#[test]
fn app_is_read_as_it_was_made_and_always_made_the_same() {
    let files: [(&str, &[u8]); 3] = [("a.txt", b"a"), ("b/empty", b""), ("copy", b"a")];
    let app = bundle(TEXT, &files);
    let artifact = Artifact::of_app(&app).unwrap();
    let Layout::App { manifest, signature, folder, sizes } = Layout::read(&artifact.manifest).unwrap() else {
        panic!("no app")
    };
    assert_eq!(folder, Folder::of(&app.contents).unwrap());
    assert_eq!(folder.contents(TEXT).unwrap(), app.contents);
    assert_eq!((manifest, signature), (Digest::of(TEXT.as_bytes()), Some(Digest::of(b"signed\n"))));
    assert!(sizes.iter().all(|(digest, size)| artifact.blobs[digest].len() as u64 == *size));
    assert!(artifact.blobs.iter().all(|(digest, bytes)| Digest::of(bytes) == *digest));
    // A change of this digest makes other artifacts of the same apps, for everyone.
    let said = artifact.digest().to_string();
    assert_eq!(said, "sha256:faaa95a1481525e672be1edd0aaa60936cbf06282095da03694639777bd871a4");
    let mut reversed = files;
    reversed.reverse();
    assert_eq!(Artifact::of_app(&bundle(TEXT, &reversed)).unwrap().digest(), artifact.digest());
    let image: Value = serde_json::from_slice(&artifact.manifest).unwrap();
    let types: Vec<_> =
        image["layers"].as_array().unwrap().iter().map(|layer| layer["mediaType"].as_str().unwrap()).collect();
    assert_eq!(types, [APP, SIGNED, "application/wasm", FILE, FILE, FILE]);
}

#[test]
fn component_is_the_artifact_that_others_know() {
    let (file, bundle) = one_component();
    let artifact = Artifact::of_component(&file, &bundle).unwrap();
    let image: Value = serde_json::from_slice(&artifact.manifest).unwrap();
    assert_eq!((image["schemaVersion"].as_u64(), image["config"]["mediaType"].as_str()), (Some(2), Some(CONFIG)));
    assert_eq!(image["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(image["layers"].as_array().unwrap().len(), 1);
    assert_eq!(image["layers"][0]["mediaType"], "application/wasm");
    let config: Digest = image["config"]["digest"].as_str().unwrap().parse().unwrap();
    let config: Value = serde_json::from_slice(&artifact.blobs[&config]).unwrap();
    let expected = json!({
        "created": "1970-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2",
        "layerDigests": [image["layers"][0]["digest"]],
        "component": {"exports": [], "imports": [], "target": null},
    });
    assert_eq!(config, expected);
    let digest = bundle.contents.components["main"];
    let signature = Some("signed\n".to_owned());
    let expected = Layout::Component { file: Some("Echo.wasm".into()), digest, size: 8, signature };
    assert_eq!(Layout::read(&artifact.manifest).unwrap(), expected);
}

#[test]
fn component_that_is_none_is_not_pushed() {
    let (file, mut bundle) = one_component();
    for bytes in [&b"text"[..], b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0\xff"] {
        let digest = Digest::of(bytes);
        bundle.contents.components.insert("main".into(), digest);
        bundle.sources.insert(digest, Source::Memory(bytes.to_vec().into()));
        assert!(matches!(Artifact::of_component(&file, &bundle), Err(LayoutError::NotAComponent { .. })));
    }
    let mut app = self::bundle(TEXT, &[]);
    let digest = Digest::of(b"text");
    app.contents.components.insert("h".into(), digest);
    app.sources.insert(digest, Source::Memory("text".into()));
    assert!(matches!(Artifact::of_app(&app), Err(LayoutError::NotAComponent { .. })));
}

#[test]
fn content_that_has_changed_since_is_not_pushed() {
    let mut app = bundle(TEXT, &[("a.txt", b"a")]);
    app.sources.insert(Digest::of(b"a"), Source::Memory("b".into()));
    assert!(matches!(Artifact::of_app(&app), Err(LayoutError::Changed { .. })));
}

#[test]
fn component_that_others_pushed_is_read() {
    let digest = Digest::of(b"wasm");
    let layers = json!([{"mediaType": "application/wasm", "digest": digest, "size": 4}]);
    let expected = Layout::Component { file: None, digest, size: 4, signature: None };
    assert_eq!(Layout::read(&image(&layers)).unwrap(), expected);
    // Layers that we do not know are nothing to us.
    let app =
        json!([layer(APP, "sessile.toml", 1), layer("text/x", "../x", 1), layer("application/wasm", "h.wasm", 1)]);
    let Layout::App { folder, .. } = Layout::read(&image(&app)).unwrap() else { panic!("no app") };
    assert_eq!(folder.paths.keys().collect::<Vec<_>>(), ["h.wasm", "sessile.toml"]);
}

#[test]
fn artifact_of_something_else_is_refused() {
    let docker = json!({"schemaVersion": 2, "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": Digest::of(b""), "size": 0}, "layers": []});
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []});
    for (image, named) in [(docker, "image.config.v1+json"), (index, "image.index.v1+json")] {
        let refused = Layout::read(image.to_string().as_bytes()).unwrap_err();
        assert!(matches!(&refused, LayoutError::NotWasm { found } if found.contains(named)), "{refused}");
    }
    for count in [0, 2] {
        let layers = vec![layer("application/wasm", "x.wasm", 1); count];
        let refused = Layout::read(&image(&json!(layers)));
        assert!(matches!(refused, Err(LayoutError::Neither { components }) if components == count));
    }
    let sha512 = json!([{"mediaType": "application/wasm", "digest": "sha512:ab", "size": 1}]);
    let negative = json!([{"mediaType": "application/wasm", "digest": Digest::of(b""), "size": -1}]);
    for text in [image(&sha512), image(&negative), b"{}".to_vec(), b"[]".to_vec(), b"".to_vec(), b"\xff".to_vec()] {
        let refused = Layout::read(&text).unwrap_err();
        assert!(matches!(refused, LayoutError::Malformed { .. } | LayoutError::NotWasm { .. }), "{refused}");
    }
}

#[test]
fn layer_that_leads_out_or_is_too_large_is_refused() {
    let with = |layer: Value| image(&json!([self::layer(APP, "sessile.toml", 1), layer]));
    for title in ["../x", "/etc/passwd", "a/../../x", "", "a//b"] {
        for media_type in [FILE, "application/wasm"] {
            let refused = Layout::read(&with(layer(media_type, title, 1)));
            assert!(matches!(refused, Err(LayoutError::Path { .. })), "{title}");
        }
    }
    for title in ["../x.wasm", "a/x.wasm", "..", ""] {
        let refused = Layout::read(&image(&json!([layer("application/wasm", title, 1)])));
        assert!(matches!(refused, Err(LayoutError::Path { .. })), "{title}");
    }
    let blob = limits::BLOB_BYTES_MAX as u64;
    let (toml, signature) = (limits::MANIFEST_BYTES_MAX as u64, limits::SIGNATURE_BYTES_MAX as u64);
    for image in [
        with(layer(FILE, "x", blob + 1)),
        with(layer(FILE, "x", u64::MAX)),
        with(layer(SIGNED, "sessile.sig", signature + 1)),
        image(&json!([layer(APP, "sessile.toml", toml + 1)])),
        image(&json!((0..9).map(|n| layer(FILE, &n.to_string(), blob)).collect::<Vec<_>>())),
    ] {
        assert!(matches!(Layout::read(&image), Err(LayoutError::TooLarge { .. })));
    }
    let many = vec![layer(FILE, "x", 1); limits::REGISTRY_LAYERS_MAX + 1];
    assert!(matches!(Layout::read(&image(&json!(many))), Err(LayoutError::Layers { .. })));
    let twice = json!([layer(APP, "sessile.toml", 1), layer(APP, "other", 1)]);
    assert!(matches!(Layout::read(&image(&twice)), Err(LayoutError::Twice { .. })));
}
