//! Readers of stripes and codes: what they read counts, and a payment card leaves no trace.

use acceptance::bureau::badge;
use acceptance::daemon::{Installation, TOKEN};
use acceptance::http::post;
use acceptance::line::LineReader;
use acceptance::wait::within;
use anyhow::Result;

use serde_json::json;

use super::support::{SOON, Viewer, count, instant, line_reader, start_at};

const CARD: &str = "4111111111111111";

#[tokio::test]
async fn a_stripe_and_a_code_count_and_a_payment_card_leaves_no_trace() -> Result<()> {
    let installation = Installation::new("stripes", None)?;
    let [stripes, codes] = [free_address()?, free_address()?];
    let config = std::fs::read_to_string(installation.config())?
        .replace("[[reader]]\nid = \"web-gate\"\nlink = \"http\"", &format!("[[reader]]\nid = \"web-gate\"\nlink = \"tcp-listen:{stripes}\"\nformat = \"track2\"\nbadge_key = \"decimal32\""))
        .replace("[[reader]]\nid = \"web-exit\"\nlink = \"http\"", &format!("[[reader]]\nid = \"web-exit\"\nlink = \"tcp-listen:{codes}\"\nformat = \"scanner\"\nsuffix = \"cr\""));
    std::fs::write(installation.config(), config)?;
    installation.bureau.put(
        "readers.csv",
        "reader,place,faces\neast-gate,east,in\nline-gate,west,both\nweb-gate,south,in\nweb-exit,south,in\nhall-in,hall,in\nhall-out,hall,out\n",
    )?;
    installation.import()?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let connect = |address: String| async move {
        within(SOON, "the reader's port is open", || async {
            Ok(LineReader::connect(&address).await.ok())
        })
        .await
    };
    let (mut stripe, mut code) = (connect(stripes).await?, connect(codes).await?);
    stripe
        .send(format!(";{CARD}=25121010000012300000?\r").as_bytes())
        .await?;
    stripe
        .send(format!("%B{CARD}^DOE/JANE^2512101?;{CARD}=2512101?\r;{CARD}\r").as_bytes())
        .await?;
    stripe.send(format!(";{:010}=2512?\r\n", badge(0)).as_bytes()).await?;
    code.send(
        format!(
            "]Q1{}\r\n]Q1two\nlines\r{CARD}=2512\r{CARD}\r4111 1111 1111 1111\r",
            badge(1)
        )
        .as_bytes(),
    )
    .await?;
    senders_are_refused_cards(&installation).await?;
    viewer
        .sees(SOON, "both people arrived", |snapshot| {
            (count(snapshot, "arrived") == Some(2)).then_some(())
        })
        .await?;
    let log = daemon.log()?;
    daemon.kill().await?;
    assert!(!log.contains(CARD), "a card number is in the log");
    let hex = hex::encode(CARD);
    for file in std::fs::read_dir(installation.data_directory())? {
        let bytes = std::fs::read(file?.path())?;
        for trace in [
            CARD.as_bytes(),
            hex.as_bytes(),
            &hex.as_bytes()[..22],
            b"DOE/JANE",
            hex::encode("DOE").as_bytes(),
        ] {
            assert!(
                !bytes.windows(trace.len()).any(|window| window == trace),
                "a card is in the database"
            );
        }
    }
    Ok(())
}

/// Over a line and over HTTP a card number is refused, and the badge beside it counts.
async fn senders_are_refused_cards(installation: &Installation) -> Result<()> {
    let mut line = line_reader(installation).await?;
    assert_eq!(line.ask(CARD).await?, "err payment_card");
    assert_eq!(
        line.ask(&format!("{{\"badge\":\"{CARD}\",\"id\":\"l1\"}}")).await?,
        "err payment_card"
    );
    let swipe = |id: &str, badge: &str| json!({"id": id, "reader": "hall-in", "badge": badge, "happened_at": instant("08:20:00")});
    let (bearer, posted) = (
        format!("Bearer {TOKEN}"),
        json!([swipe("h1", CARD), swipe("h2", &badge(2).to_string())]),
    );
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let answer = post(&installation.authority, "/api/v1/swipes", &headers, posted.to_string()).await?;
    let results = answer.json()?["results"].clone();
    assert_eq!(
        results,
        json!([{"id": "h1", "status": "quarantined", "reason": "payment_card"}, {"id": "h2", "status": "recorded"}])
    );
    Ok(())
}

/// An address of this machine that is free now.
fn free_address() -> Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
