//! The long-form notice of billing rights: 12 CFR 1026, Appendix G, model form G-3(A), with notices accepted in the app.

use crate::{Creditor, document::Block};

pub(crate) fn billing_rights(creditor: &Creditor) -> Vec<Block> {
    let address = format!("{}, {}", creditor.name, creditor.address.join(", "));
    vec![
        Block::heading("Your billing rights: keep this document for future use"),
        Block::text(
            "This notice tells you about your rights and our responsibilities under the Fair Credit Billing Act.",
        ),
        Block::heading("What to do if you find a mistake on your statement"),
        Block::text(format!(
            "If you think there is an error on your statement, write to us at: {address}. You may also tell us in the app. \
             In your letter, give us the following information:"
        )),
        Block::list(&[
            "Line information: your name and the end of your line's number.",
            "Dollar amount: the dollar amount of the suspected error.",
            "Description of problem: if you think there is an error on your bill, describe what you believe is wrong and why \
             you believe it is a mistake.",
        ]),
        Block::text("You must contact us:"),
        Block::list(&[
            "Within 60 days after the error appeared on your statement.",
            "At least 3 business days before an automated payment is scheduled, if you want to stop payment on the amount \
             you think is wrong.",
        ]),
        Block::text(format!(
            "You must notify us of any potential errors in writing or in the app. You may call us at {}, but if you do we \
             are not required to investigate any potential errors and you may have to pay the amount in question.",
            creditor.phone
        )),
        Block::heading("What will happen after we receive your letter"),
        Block::text("When we receive your letter, we must do two things:"),
        Block::list(&[
            "Within 30 days of receiving your letter, we must tell you that we received your letter. We will also tell you \
             if we have already corrected the error.",
            "Within 90 days of receiving your letter, we must either correct the error or explain to you why we believe the \
             bill is correct.",
        ]),
        Block::text("While we investigate whether or not there has been an error:"),
        Block::list(&[
            "We cannot try to collect the amount in question, or report you as delinquent on that amount.",
            "The charge in question may remain on your statement, and we may continue to charge you interest on that amount.",
            "While you do not have to pay the amount in question, you are responsible for the remainder of your balance.",
            "We can apply any unpaid amount against your credit limit.",
        ]),
        Block::text("After we finish our investigation, one of two things will happen:"),
        Block::list(&[
            "If we made a mistake: you will not have to pay the amount in question or any interest or other fees related to \
             that amount.",
            "If we do not believe there was a mistake: you will have to pay the amount in question, along with applicable \
             interest and fees. We will send you a statement of the amount you owe and the date payment is due. We may then \
             report you as delinquent if you do not pay the amount we think you owe.",
        ]),
        Block::text(
            "If you receive our explanation but still believe your bill is wrong, you must write to us within 10 days telling \
             us that you still refuse to pay. If you do so, we cannot report you as delinquent without also reporting that \
             you are questioning your bill. We must tell you the name of anyone to whom we reported you as delinquent, and \
             we must let those organizations know when the matter has been settled between us.",
        ),
        Block::text(
            "If we do not follow all of the rules above, you do not have to pay the first $50 of the amount you question even \
             if your bill is correct.",
        ),
    ]
}
